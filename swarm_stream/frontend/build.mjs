/**
 * Builds what the Python package ships from `src`:
 *
 *   swarm_stream/static/view.js, view.css              the widget: one ES module and its styles
 *   swarm_stream/static/page.js                        the plain page, styles and all
 *   swarm_stream/labextension/package.json             what JupyterLab and Notebook ask for
 *   swarm_stream/labextension/static/remoteEntry.js    our MIME renderer and plugin
 *
 * The same sources give the same bytes. The container's name has no hash: Jupyter has pages
 * check files of extensions with the server each time, and the build hook looks for this name.
 */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = dirname(here);
/**
 * The container brings its styles and writes what stays in the file; the widget does neither. The
 * page does both, and has its list besides.
 */
const BUDGET_BYTES = { "widget.ts": 90_000, "container.ts": 112_000, "page.ts": 126_000 };

const version = /__version__ = "([^"]+)"/.exec(
  await readFile(join(out, "_version.py"), "utf8"),
)?.[1];
if (version === undefined) throw new Error("_version.py does not tell the version");

/** Bundle one entry, hold it to the budget, and give its code. */
async function bundle(entry, format) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [join("src", entry)],
    bundle: true,
    write: false,
    format,
    minify: true,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    // Fields and tokens of the parser, and fields of the view that feeds it, that nothing reads by
    // name, nor finds in JSON.
    mangleProps:
      /^(renderer|add_token|end_token|add_text|set_attr|spaces|pending|blockquote_idx|fence_start|fence_end|indent_len|table_state|hr_chars|hr_char|indent|[A-Z][a-z]+_\w+|Document|Paragraph|Blockquote|Checkbox|Strike|bracketClosed|addressLength|parentheses|giveUpAddress)$/,
    // The parser's own checks, which would only write to the reader's console.
    pure: ["console.assert"],
    banner: {
      js: "/* swarm_stream, MIT. With streaming-markdown, MIT, (c) 2024 Damian Tarnawski */",
    },
    define: { __SWARM_STREAM_VERSION__: JSON.stringify(version) },
    plugins: [styles("style.ts", "STYLE", entry === "widget.ts" ? "" : css), pageStyles],
  });
  const [{ contents }] = outputFiles;
  const size = `${entry}: ${contents.length} bytes, ${gzipSync(contents).length} gzipped`;
  if (contents.length > BUDGET_BYTES[entry]) {
    throw new Error(`${size}; the budget is ${BUDGET_BYTES[entry]}. What made it grow?`);
  }
  console.log(size);
  return contents;
}

/** Put minified styles, or none, in the place of a stylesheet's source. */
function styles(file, name, css) {
  return {
    name: file,
    setup({ onLoad }) {
      onLoad({ filter: new RegExp(`[\\\\/]${file}$`) }, () => ({
        contents: `export const ${name} = ${JSON.stringify(css)};`,
      }));
    },
  };
}

async function minifiedStyle(file, name) {
  const source = await readFile(join(here, "src", file), "utf8");
  const text = new RegExp(`^export const ${name}: string = \`([^\`]*)\`;$`, "m").exec(source)?.[1];
  if (text === undefined) throw new Error(`${file} does not hold the styles as expected`);
  const { code } = await transform(text, { loader: "css", minify: true, charset: "utf8" });
  return code;
}

async function put(path, contents) {
  const target = join(out, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, contents);
}

const css = await minifiedStyle("style.ts", "STYLE");
const pageStyles = styles(
  "page-style.ts",
  "PAGE_STYLE",
  await minifiedStyle("page-style.ts", "PAGE_STYLE"),
);
const view = await bundle("widget.ts", "esm");
const container = await bundle("container.ts", "iife");
const page = await bundle("page.ts", "esm");
await rm(join(out, "labextension"), { recursive: true, force: true });
await put("static/view.js", view);
await put("static/view.css", css);
await put("static/page.js", page);
await put("labextension/static/remoteEntry.js", container);
await put(
  "labextension/package.json",
  `${JSON.stringify(
    {
      name: "swarm_stream",
      version,
      description: "Agents' tokens, live in the cell",
      license: "MIT",
      jupyterlab: {
        extension: true,
        mimeExtension: true,
        _build: {
          load: "static/remoteEntry.js",
          extension: "./extension",
          mimeExtension: "./mimeExtension",
        },
      },
    },
    null,
    2,
  )}\n`,
);
