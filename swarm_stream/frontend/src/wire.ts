/**
 * One open WebSocket, as `WebSocketStream` where the browser has it, else as `WebSocket`.
 *
 * The first gives real backpressure: the next message is read only when the last one was taken,
 * so a page that falls behind makes the server send fewer and larger frames. A plain WebSocket
 * queues in the page whatever it is sent, and the promise of `text` is ignored.
 */

import { CloseCode, SUBPROTOCOL } from "./frames.ts";

export interface WireEvents {
  opened(): void;
  /** A message came. A promise asks for no more until it resolves. */
  text(data: string): Promise<unknown> | undefined;
  /** The socket is gone; called once, also when it never opened. */
  closed(code: number): void;
}

export interface Wire {
  send(data: string): void;
  /** Close it; `closed` is not called any more. */
  close(code?: number): void;
}

/** What no close frame told: the code that browsers give for it. */
const ABNORMAL = 1006;

// TypeScript's DOM library does not know WebSocketStream yet (whatwg.org, Chromium 124).
interface SocketStream {
  readonly opened: Promise<{
    readonly readable: ReadableStream<unknown>;
    readonly writable: WritableStream<string>;
  }>;
  readonly closed: Promise<{ readonly closeCode?: number }>;
  close(info: { closeCode?: number }): void;
}
type SocketStreamClass = new (url: string, options: { protocols: string[] }) => SocketStream;

export function openWire(url: string, events: WireEvents): Wire {
  // See above: the class is not in the DOM library.
  const { WebSocketStream } = globalThis as { WebSocketStream?: SocketStreamClass };
  return WebSocketStream === undefined
    ? openPlain(url, events)
    : openStream(new WebSocketStream(url, { protocols: [SUBPROTOCOL] }), events);
}

function openPlain(url: string, events: WireEvents): Wire {
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => void events.text(String(data));
  socket.onclose = ({ code }) => events.closed(code);
  return {
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
    close: (code = CloseCode.normal) => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(browserCode(code));
    },
  };
}

function openStream(socket: SocketStream, events: WireEvents): Wire {
  let over = false;
  let writer: WritableStreamDefaultWriter<string> | undefined;

  const end = (code: number) => {
    if (over) return;
    over = true;
    events.closed(code);
  };
  const read = async () => {
    const { readable, writable } = await socket.opened;
    if (over) return;
    writer = writable.getWriter();
    events.opened();
    const reader = readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || over) return;
      await events.text(String(value));
    }
  };
  // A broken socket fails both of these; the code, where there is one, comes from `closed`.
  const code = socket.closed.then(
    (info) => info.closeCode ?? ABNORMAL,
    () => ABNORMAL,
  );
  read()
    .then(
      () => code,
      () => Promise.race([code, ABNORMAL]),
    )
    .then(end);
  code.then(end);

  return {
    send: (data) => void writer?.write(data).catch(() => end(ABNORMAL)),
    close: (closeCode = CloseCode.normal) => {
      over = true;
      try {
        socket.close({ closeCode: browserCode(closeCode) });
      } catch {
        // It was already closed.
      }
    },
  };
}

/** Pages may only close with 1000 or a code of an application's own. */
function browserCode(code: number): number {
  return code === CloseCode.normal || code >= 3000 ? code : CloseCode.normal;
}
