import * as ort from "/ort.wasm.min.mjs";

ort.env.wasm.wasmPaths = "/";
// Threads need a page that is cross-origin isolated, which the server's headers make it.
ort.env.wasm.numThreads = crossOriginIsolated ? 2 : 1;

const verdict = document.getElementById("verdict");

/** Downloads a model and runs it. */
async function tryModel(path, feeds) {
  const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
  const [entry] = performance.getEntriesByName(new URL(path, location.href).href);
  const start = performance.now();
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const load = performance.now() - start;
  const results = await session.run(feeds);
  const outputs = session.outputNames.map((name) => results[name].data);
  return { raw: bytes.length, compressed: entry.encodedBodySize, load, outputs };
}

/** Two bars, as long as their numbers are large. */
function showBars(id, dense, expanding, format) {
  const largest = Math.max(dense, expanding);
  const row = ([label, value, kind]) =>
    `<div><dt>${label}</dt><dd class="bar ${kind}"><i style="width:${(100 * value) / largest}%"></i></dd><dd class="value">${format(value)}</dd></div>`;
  const rows = [
    ["Dense, with zeros", dense, "dense"],
    ["Self-expanding", expanding, "expanding"],
  ];
  document.getElementById(id).innerHTML = rows.map(row).join("");
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
const milliseconds = (time) => `${time.toFixed(0)} ms`;

try {
  const inputs = await (await fetch("/inputs.json")).json();
  const feeds = Object.fromEntries(
    inputs.map(({ name, dims, ids }) => [name, new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), dims)]),
  );
  // Not timed: the first model of a page also starts the runtime.
  await tryModel("/expanding.onnx?first", feeds);
  const dense = await tryModel("/dense.onnx", feeds);
  const expanding = await tryModel("/expanding.onnx", feeds);

  showBars("raw", dense.raw, expanding.raw, megabytes);
  showBars("compressed", dense.compressed, expanding.compressed, megabytes);
  showBars("load", dense.load, expanding.load, milliseconds);

  const numbers = dense.outputs.reduce((sum, { length }) => sum + length, 0);
  const different = dense.outputs
    .map((output, index) => output.filter((value, at) => value !== expanding.outputs[index][at]).length)
    .reduce((sum, count) => sum + count, 0);
  verdict.className = different === 0 ? "same" : "different";
  verdict.textContent = `${different} of ${numbers} output numbers differ.`;
  const report = `${megabytes(dense.raw)} → ${megabytes(expanding.raw)}, with gzip ${megabytes(dense.compressed)} → ${megabytes(expanding.compressed)}; ${verdict.textContent}`;
  await fetch("/report", { method: "POST", body: report });
} catch (error) {
  verdict.className = "different";
  verdict.textContent = `It failed: ${error.message}`;
  await fetch("/report", { method: "POST", body: verdict.textContent });
}
