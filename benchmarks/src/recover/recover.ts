import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Suite } from "../suite.js";
import type { LayerMeasurement } from "./measure-layer.js";
import type { Method } from "./square-layer.js";

const SIZES = [256, 512, 1024, 2048];
const METHODS: readonly Method[] = ["obs", "least-squares"];
/** The size for which a limit is promised. */
const JUDGED = 1024;
const LIMIT = 10;

/** What it costs to prune and compensate one square weight, against its size. Every case in a fresh process. */
export const recover: Suite = {
  name: "recover",
  async run(isChosen) {
    const cases = METHODS.flatMap((method) =>
      SIZES.map((size) => ({ name: `recover/${method}/${size}`, method, size })),
    );
    return {
      columns: ["case", "seconds", "products, s", "products, K³", "ratio", "at most", "peak MB"],
      rows: cases.filter(({ name }) => isChosen(name)).map(({ name, method, size }) => rowOf(name, method, size)),
      note: NOTE,
    };
  },
};

const NOTE =
  "`solveLayer` on a weight [K, K] on one thread: OBS chooses half of every row and the rest is solved for, without (obs) or with (least-squares) " +
  "targets from the dense model and a pull chosen on held-back samples. Products: the calls of `MatrixProducts.multiply` that this run made (factoring the " +
  "Gram matrix, updates of the columns behind a block, conjugate gradients, errors), made again alone with the same shapes and precisions; K³: how many " +
  "multiplications they are. Peak: resident memory beyond that of the process before it had the layer, the layer's moments " +
  "(2 K² doubles for obs, 4 K² for least-squares) included. Median of 3 runs.";

function rowOf(name: string, method: Method, size: number): string[] {
  const program = fileURLToPath(new URL("measure-layer.ts", import.meta.url));
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--import", "tsx", program, String(size), method];
  const text = execFileSync(process.execPath, args, { cwd, encoding: "utf8" });
  const { seconds, productSeconds, cubes, peakMegabytes } = JSON.parse(text) as LayerMeasurement;
  return [
    name,
    seconds.toFixed(2),
    productSeconds.toFixed(2),
    cubes.toFixed(1),
    (seconds / productSeconds).toFixed(1),
    size === JUDGED ? String(LIMIT) : "",
    peakMegabytes.toFixed(0),
  ];
}
