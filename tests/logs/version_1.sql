-- A log as version 1 of the tables left it: a stream that goes on,
-- was taken over and trimmed; one that is over; one that was deleted and is not swept yet; one
-- that is empty. Never changed: files like this exist.
PRAGMA application_id = 1937206375;
PRAGMA user_version = 1;
CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, producer TEXT NOT NULL, meta BLOB NOT NULL, created_ms REAL NOT NULL);
CREATE TABLE tails (id INTEGER PRIMARY KEY, head INTEGER NOT NULL, tail INTEGER NOT NULL, closed INTEGER NOT NULL, size_bytes INTEGER NOT NULL, updated_ms REAL NOT NULL, changed INTEGER NOT NULL);
CREATE TABLE records (stream INTEGER NOT NULL, offset INTEGER NOT NULL, count INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (stream, offset));
CREATE TABLE doomed (id INTEGER PRIMARY KEY);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO facts VALUES ('epoch_floor', 7);
INSERT INTO streams VALUES (1, 'live', 2, 'second', CAST('{"title":"Live"}' AS BLOB), 1795438403321.5);
INSERT INTO streams VALUES (2, 'over', 1, 'first', CAST('{"title":"Over"}' AS BLOB), 1795438403324.5);
INSERT INTO streams VALUES (4, 'empty', 8, 'first', CAST('{}' AS BLOB), 1795438403325.5);
INSERT INTO tails VALUES (1, 4, 9, 0, 34, 1795438403324.5, 7);
INSERT INTO tails VALUES (2, 0, 2, 1, 22, 1795438403324.75, 9);
INSERT INTO tails VALUES (4, 0, 0, 0, 0, 1795438403325.5, 18);
INSERT INTO records VALUES (1, 4, 2, CAST('"live4","live5"' AS BLOB));
INSERT INTO records VALUES (1, 6, 2, CAST('"live6",7' AS BLOB));
INSERT INTO records VALUES (1, 8, 1, CAST('{"live":8}' AS BLOB));
INSERT INTO records VALUES (2, 0, 2, CAST('"over0",{"type":"end"}' AS BLOB));
INSERT INTO records VALUES (3, 0, 1, CAST('"gone0"' AS BLOB));
INSERT INTO doomed VALUES (3);
