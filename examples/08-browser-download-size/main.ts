import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { encodeWeights } from "@espalier/export";
import { encodeModel } from "@espalier/onnx";
import { tokenBatch, useLitePath } from "@espalier/testkit";
import { l1, prune, unstructured } from "espalier";

const runtime = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web")));
const texts = ["How do I reset my password?", "The kettle is boiling.", "Pruned roses bloom again in June."];

const { model, weights } = await prune(useLitePath(), { criterion: l1(), pattern: unstructured(0.8) });
const expanding = encodeWeights(model, new Map(weights.map(({ name }) => [name, { encoding: "gap" }])));
const inputs = Object.entries(tokenBatch(texts)).map(([name, { dims, data }]) => ({
  name,
  dims,
  ids: [...data].map(Number),
}));

const files = new Map<string, Uint8Array>([
  ["", readFileSync(join(import.meta.dirname, "page.html"))],
  ["page.js", readFileSync(join(import.meta.dirname, "page.js"))],
  ["inputs.json", Buffer.from(JSON.stringify(inputs))],
  ["dense.onnx", encodeModel(model)],
  ["expanding.onnx", encodeModel(expanding)],
]);
for (const name of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
  files.set(name, readFileSync(join(runtime, name)));
}
const compressed = new Map([...files].map(([name, bytes]) => [name, gzipSync(bytes)]));
const types: Record<string, string> = {
  "": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const server = createServer((request, response) => {
  const name = basename(new URL(request.url!, "http://localhost").pathname);
  if (request.method === "POST") {
    request.on("data", (report) => console.log(`Page: ${report}`));
    return request.on("end", () => response.end());
  }
  const body = compressed.get(name);
  if (!body) return response.writeHead(404).end();
  response.writeHead(200, {
    "content-type": types[extname(name)] ?? "application/octet-stream",
    "content-encoding": "gzip",
    // With these two a page may share memory between threads.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
  return response.end(body);
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`Open http://127.0.0.1:${(server.address() as AddressInfo).port}/ (Ctrl+C ends)`);
});
