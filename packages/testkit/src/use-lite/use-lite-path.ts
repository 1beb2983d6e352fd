import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { replaceFile } from "../replace-file.js";
import { buildUseLite, USE_LITE_REVISION } from "./build-use-lite.js";
import { sourcePackage } from "./source-weights.js";

/** `.cache` at the root of the repository; git ignores it. */
const CACHE = fileURLToPath(new URL("../../../../.cache", import.meta.url));

/**
 * Path of USE-lite as a file, built on the first call (under a second) and reused after that.
 *
 * `use-lite.key.json` beside the model says what it was built from; another version of this package, of the source
 * package or of the graph, or a model of another size, makes a new one. Both files are replaced whole, so processes may
 * call this at the same time.
 *
 * @param folder where `use-lite.onnx` lies or will lie; made when missing
 * @default folder `.cache` at the root of the repository
 */
export function useLitePath(folder: string = CACHE): string {
  const path = join(folder, "use-lite.onnx");
  const keyPath = join(folder, "use-lite.key.json");
  if (textOf(keyPath) === keyFor(sizeOf(path))) return path;
  const bytes = buildUseLite();
  replaceFile(path, (temporary) => writeFileSync(temporary, bytes));
  replaceFile(keyPath, (temporary) => writeFileSync(temporary, keyFor(bytes.length)));
  return path;
}

function keyFor(bytes: number | undefined): string {
  const { version } = createRequire(import.meta.url)("../../package.json");
  return `${JSON.stringify({ testkit: version, source: sourcePackage().version, revision: USE_LITE_REVISION, bytes })}\n`;
}

function textOf(path: string): string | undefined {
  return sizeOf(path) === undefined ? undefined : readFileSync(path, "utf8");
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
