/**
 * The federation container that JupyterLab and Notebook load: our MIME renderer and our plugin.
 *
 * A bundler would write the same from a configuration and 137 packages. The host calls `init`
 * with the share scope, then `get` for each module that `package.json` names. A module without
 * `__esModule` keeps the whole application from starting, so a browser test holds this.
 */

import type { App, Lumino } from "./jupyter.ts";
import { mimeExtension } from "./mime.ts";
import { useApp } from "./notebook.ts";
import { warmUp } from "./warm.ts";

/** Versions of one shared package; `get` gives a promise of a function that gives the module. */
type SharedVersions = Readonly<Record<string, { get(): Promise<() => unknown> }>>;
type ShareScope = Readonly<Record<string, SharedVersions>>;
type Factory = () => Record<string, unknown>;

let scope: ShareScope = {};

async function shared(name: string): Promise<unknown> {
  const [version] = Object.values(scope[name] ?? {});
  if (version === undefined) throw new Error(`swarm_stream: the host does not share ${name}`);
  return (await version.get())();
}

async function get(name: string): Promise<Factory> {
  switch (name) {
    case "./mimeExtension": {
      // The host's own package; it has what `Lumino` asks for in every version of JupyterLab 4.
      const lumino = (await shared("@lumino/widgets")) as Lumino;
      return () => ({ __esModule: true, default: mimeExtension(lumino) });
    }
    case "./extension":
      return () => ({
        __esModule: true,
        default: {
          id: "swarm_stream:plugin",
          autoStart: true,
          activate: (app: App) => useApp(app),
        },
      });
    default:
      throw new Error(`swarm_stream: there is no module ${name}`);
  }
}

// The registry of the host's module federation, which no library declares.
const page = globalThis as { _JUPYTERLAB?: Record<string, unknown> };
page._JUPYTERLAB ??= {};
page._JUPYTERLAB.swarm_stream = {
  init(given: ShareScope): void {
    scope = given;
  },
  get,
};

warmUp();
