/** Packs every published package and judges its manifest (publint) and its types (attw): `npm run check:packages`. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = (command: string, ...args: string[]): string =>
  execFileSync("npx", ["--no-install", command, ...args], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

const folder = mkdtempSync(join(tmpdir(), "espalier-pack-"));
try {
  for (const name of readdirSync(join(root, "packages"))) {
    const path = join(root, "packages", name);
    const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    if (manifest.private) continue;
    const packed = JSON.parse(
      execFileSync("npm", ["pack", "--json", "--silent", "--pack-destination", folder], {
        cwd: path,
        encoding: "utf8",
      }),
    );
    const [entry] = Array.isArray(packed) ? packed : Object.values<{ filename: string; size: number }>(packed);
    run("publint", "run", path, "--strict", "--pack", "npm");
    run("attw", join(folder, entry.filename), "--profile", "esm-only", "--quiet");
    console.log(`${manifest.name}: ${entry.filename}, ${(entry.size / 1024).toFixed(1)} KiB`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
