import { EspalierError } from "../errors.js";
import type { FinishedRow, SweepRow } from "./sweep-result.js";

/** What a model may cost, and lose. */
export interface Budget {
  readonly text: string;
  readonly limits: readonly Limit[];
}

/** One condition; a row without the figure does not meet it. */
interface Limit {
  readonly figure: FigureName;
  readonly value: number;
}

interface Figure {
  readonly of: (row: FinishedRow) => number | undefined;
  /** Whether larger is better: such figures are asked for with `>=`. */
  readonly atLeast?: true;
  /** Factors by unit, lower case; the empty one is a bare number. */
  readonly units: Readonly<Record<string, number>>;
}

const BARE = { "": 1 };
const BYTES = { "": 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

const FIGURES = {
  drop: { of: ({ accuracy }) => accuracy?.drop, units: BARE },
  error: { of: ({ outputError }) => outputError, units: BARE },
  bytes: { of: ({ bytes }) => bytes, units: BYTES },
  gzip: { of: ({ gzipBytes }) => gzipBytes, units: BYTES },
  latency: { of: ({ latencyMs }) => latencyMs, units: { "": 1, ms: 1, s: 1000 } },
  // As verify judges it: also where chance was on its side.
  speedup: { of: ({ speedup }) => speedup.interval.low, atLeast: true, units: { "": 1, x: 1 } },
} as const satisfies Record<string, Figure>;

type FigureName = keyof typeof FIGURES;

const FORMS = "drop<=0.01, error<=0.1, bytes<=5MB, gzip<=4MB, latency<=3ms, speedup>=1.2";

/**
 * Reads conditions with commas between them: `drop<=0.01,bytes<=5MB`. Drops and errors are bare numbers, bytes and gzip have a unit
 * such as MB or MiB, latency one of ms and s; a speedup counts by the lower end of its interval.
 *
 * @param hasScores whether there are labels or a metric, without which there is no drop
 * @throws {EspalierError} `usage` naming the condition
 */
export function parseBudget(text: string, hasScores: boolean): Budget {
  const limits = text.split(",").map((part) => parseLimit(part.trim()));
  if (!hasScores && limits.some(({ figure }) => figure === "drop")) {
    throw usage(
      "the budget limits the drop, which is measured with labels or a metric: give one of them, or limit the error",
    );
  }
  return { text, limits };
}

function parseLimit(part: string): Limit {
  const [, name = "", sign, number = "", unit = ""] =
    /^([a-z]+)\s*(<=|>=)\s*(-?[\d.]+(?:e-?\d+)?)\s*([a-z]*)$/i.exec(part) ?? [];
  const figure = name.toLowerCase();
  if (sign === undefined || !isFigure(figure)) {
    throw usage(`the budget has ${JSON.stringify(part)}, expected conditions such as ${FORMS}`);
  }
  const { units, ...rest }: Figure = FIGURES[figure];
  const expected = rest.atLeast ? ">=" : "<=";
  if (sign !== expected) throw usage(`the budget has ${JSON.stringify(part)}: ${figure} takes ${expected}`);
  const factor = units[unit.toLowerCase()];
  if (factor === undefined || !Number.isFinite(Number(number))) {
    const known = Object.keys(units).filter(Boolean).join(", ");
    throw usage(
      `the budget has ${JSON.stringify(part)}: ${figure} is a number${known && `, with or without one of ${known}`}`,
    );
  }
  return { figure, value: Number(number) * factor };
}

function isFigure(name: string): name is FigureName {
  return Object.hasOwn(FIGURES, name);
}

/**
 * The row that meets the budget with the smallest drop, without scores the smallest output error; of equals the smaller file, then
 * the faster model, then the first.
 *
 * @returns its index, null where no row meets it
 */
export function bestWithin({ limits }: Budget, rows: readonly SweepRow[]): number | null {
  let best: { readonly index: number; readonly row: FinishedRow } | undefined;
  for (const [index, row] of rows.entries()) {
    if (row.status !== "done" || !limits.every((limit) => isMet(limit, row))) continue;
    if (best === undefined || isBetter(row, best.row)) best = { index, row };
  }
  return best?.index ?? null;
}

function isMet({ figure, value }: Limit, row: FinishedRow): boolean {
  const { of, atLeast }: Figure = FIGURES[figure];
  const found = of(row);
  return found !== undefined && (atLeast ? found >= value : found <= value);
}

function isBetter(a: FinishedRow, b: FinishedRow): boolean {
  const order = [
    (a.accuracy?.drop ?? a.outputError) - (b.accuracy?.drop ?? b.outputError),
    a.bytes - b.bytes,
    a.latencyMs - b.latencyMs,
  ];
  return (order.find((difference) => difference !== 0) ?? 0) < 0;
}

function usage(message: string): EspalierError {
  return new EspalierError("usage", message);
}
