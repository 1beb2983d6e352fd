import type { BlockLayer, Choice, LoweredForm } from "./layer.js";
import { MEASURED_SIZE, MEASURED_SPEEDUPS, type MeasuredSpeedup } from "./measured-speedups.js";

/** Less is lost in the noise of one machine and may be a loss on the next. */
const SMALLEST_SPEEDUP = 1.1;

/** With more left, gathering takes what is saved. */
const LARGEST_DENSITY = 0.8;

/** Blocks at a ragged edge raise the density a little above what was asked for. */
const DENSITY_TOLERANCE = 0.02;

/**
 * Chooses the form that measurements of its size say is fastest; `dense` where none is a gain.
 *
 * A measured row counts for layers whose products are at least as wide, whose units are at least as large, and that are at
 * most as dense: all three only make a form faster. Where the number of rows is unknown, the slowest of all counts.
 */
export function chooseForm(layer: BlockLayer): Choice {
  if (layer.density > LARGEST_DENSITY) {
    return { form: "dense", reason: `${percent(layer.density)} of its entries would still be multiplied` };
  }
  const best = layer.forms
    .map((form) => ({ form, speedup: expectedSpeedup(layer, form) }))
    .reduce((a, b) => (b.speedup > a.speedup ? b : a));
  if (best.speedup < SMALLEST_SPEEDUP)
    return { form: "dense", reason: `no form is measured to be faster: ${describe(layer)}` };
  return { ...best, reason: `about ${best.speedup} times as fast as dense, measured: ${describe(layer)}` };
}

function expectedSpeedup(layer: BlockLayer, form: LoweredForm): number {
  const rows = MEASURED_SPEEDUPS.filter((one) => counts(one, layer, form) && isLargeEnough(one, layer));
  return Math.max(0, ...rows.map((one) => atRows(one, layer)));
}

/**
 * Whether a product leaves out enough for the time to start its operators, which the measured size hides. Of `multi`, whose
 * operators are started for every block-column, as much as a measured column: 256 × 256 gains what 768 × 64 does. Of the
 * others, which start a few in all, an eighth of what the measured weight leaves out.
 */
function isLargeEnough({ form, width, density }: MeasuredSpeedup, layer: BlockLayer): boolean {
  if (layer.op === "conv") return true;
  const left = layer.inFeatures * (1 - layer.density + DENSITY_TOLERANCE);
  return form === "multi"
    ? left * layer.width >= MEASURED_SIZE.inFeatures * (1 - density) * width
    : left * layer.outChannels >= (MEASURED_SIZE.inFeatures * (1 - density) * MEASURED_SIZE.outChannels) / 8;
}

function counts(one: MeasuredSpeedup, layer: BlockLayer, form: LoweredForm): boolean {
  const { op, target, values, positions, unit, width, density } = layer;
  return (
    one.op === op &&
    one.target === target &&
    one.values === values &&
    one.form === form &&
    positions >= one.positions &&
    width >= one.width &&
    unit >= one.unit &&
    density <= one.density + DENSITY_TOLERANCE
  );
}

/** Measured at 1, 16 and 128 rows; in between the slower neighbour counts. */
function atRows({ speedup: [one, some, many] }: MeasuredSpeedup, { rows, op }: BlockLayer): number {
  if (op === "conv") return one;
  if (rows === undefined) return Math.min(one, some, many);
  if (rows === 1) return one;
  if (rows < 16) return Math.min(one, some);
  return rows < 128 ? Math.min(some, many) : many;
}

function describe({ rows, target, values, width, unit, density }: BlockLayer): string {
  const size = `${percent(density)} of the blocks, ${unit} inputs × ${width} outputs and more`;
  return `${size}, ${rows === undefined ? "any number of" : rows} rows, ${values}, ${target}`;
}

function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`;
}
