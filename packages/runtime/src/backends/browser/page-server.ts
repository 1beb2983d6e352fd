import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PageCalls } from "./page-calls.js";

const PAGE = `<!doctype html><meta charset="utf-8"><title>Espalier</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "onnxruntime-web/wasm": "/onnxruntime-web/ort.wasm.min.mjs" } }</script>`;

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** Only a page that is cross-origin isolated may share memory, and so have threads. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** Files of this package as they are built. */
const OWN_FILES = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Serves the page, the two packages' files and the calls of every page, on the loopback interface only. Where a page fetches its
 * calls cannot be guessed, so that no other process of the machine can.
 */
export class PageServer {
  readonly #server: Server;
  readonly #folders: ReadonlyMap<string, string>;
  readonly #pages = new Map<string, PageCalls>();

  private constructor(runtimeFolder: string) {
    this.#folders = new Map([
      ["espalier", OWN_FILES],
      ["onnxruntime-web", runtimeFolder],
    ]);
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** @param runtimeFolder onnxruntime-web's built files */
  static async start(runtimeFolder: string): Promise<PageServer> {
    const server = new PageServer(runtimeFolder);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  /** Address of the page. */
  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** A place for the calls of one page, and its path. */
  addPage(): { path: string; calls: PageCalls } {
    const calls = new PageCalls();
    const path = `/calls/${randomUUID()}`;
    this.#pages.set(path, calls);
    return { path, calls };
  }

  removePage(path: string): void {
    this.#pages.delete(path);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.address);
    for (const [name, value] of Object.entries(ISOLATED)) response.setHeader(name, value);
    const calls = this.#pages.get(pathname);
    if (calls !== undefined) return calls.ask(await bodyOf(request), response);
    if (pathname === "/") return void response.setHeader("content-type", "text/html").end(PAGE);
    const [, folder, path] = /^\/([\w-]+)\/([\w/.-]+)$/.exec(pathname) ?? [];
    const root = this.#folders.get(folder ?? "");
    const type = TYPES[extname(path ?? "")];
    // A URL has no `..` left, so the file lies below its folder.
    if (root === undefined || type === undefined) return void response.writeHead(404).end();
    const bytes = await readFile(join(root, path!));
    response.setHeader("content-type", type).end(bytes);
  }
}

async function bodyOf(request: IncomingMessage): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = new Uint8Array(chunks.reduce((total, { length }) => total + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes.buffer;
}
