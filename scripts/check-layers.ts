/** Fails when a package imports or depends on a package of its own layer or of one above: `npm run check:layers`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const LAYERS: Readonly<Record<string, number>> = {
  "@espalier/core": 0,
  "@espalier/onnx": 0,
  "@espalier/runtime": 1,
  "@espalier/calibrate": 2,
  "@espalier/export": 2,
  "@espalier/verify": 2,
  "@espalier/recover": 3,
  espalier: 4,
};

const IMPORT = /(?:from|import|import\()\s*["']((?:@espalier\/[\w-]+|espalier))(?:\/[^"']*)?["']/g;

/** Returns one message for every sideways or upward import or dependency below `packagesFolder`. */
export function layerViolations(packagesFolder: string): string[] {
  return readdirSync(packagesFolder).flatMap((name) => packageViolations(join(packagesFolder, name)));
}

function packageViolations(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (manifest.private) return [];
  const layer = LAYERS[manifest.name];
  if (layer === undefined) return [`${manifest.name} has no layer: add it to scripts/check-layers.ts`];
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter((name) => name.startsWith("@espalier/") || name === "espalier")
    .map((target) => ({ target, where: "package.json" }));
  const imported = readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .flatMap((where) =>
      [...readFileSync(join(folder, "src", where), "utf8").matchAll(IMPORT)].map((match) => ({
        target: match[1]!,
        where,
      })),
    );
  return [...declared, ...imported]
    .filter(({ target }) => target !== manifest.name && !((LAYERS[target] ?? Number.POSITIVE_INFINITY) < layer))
    .map(({ target, where }) => `${manifest.name} (layer ${layer}) may not use ${target}: ${where}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const violations = layerViolations(fileURLToPath(new URL("../packages", import.meta.url)));
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
