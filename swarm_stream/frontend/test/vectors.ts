/** Vectors that Python runs too. */

import { readdirSync, readFileSync } from "node:fs";

const ROOT = new URL("../../../tests/vectors/", import.meta.url);

/** All vectors of one kind, by name. `T` says what they hold, which nothing checks but use. */
export function vectors<T>(kind: string): [name: string, vector: T][] {
  const folder = new URL(`${kind}/`, ROOT);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => [
      name.replace(/\.json$/, ""),
      JSON.parse(readFileSync(new URL(name, folder), "utf8")) as T,
    ]);
}
