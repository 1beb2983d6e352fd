import type { MatrixLayout } from "@espalier/core";

/** Neighbouring out channels that read the same inputs. */
export interface BlockColumn {
  /** Its first out channel. */
  readonly first: number;
  /** Out channels of it. */
  readonly width: number;
  /** The units of inputs that it reads, ascending, at least one. */
  readonly kept: readonly number[];
}

/** Which inputs of a weight are multiplied with which of its out channels. */
export interface BlockLayout {
  /** In-features that are taken or left together. */
  readonly unit: number;
  /** Units that all in-features make; the last may reach over their end. */
  readonly units: number;
  /** In the order of out channels; all of one width but the last, which may have fewer. */
  readonly columns: readonly BlockColumn[];
  /** The same with neighbours that read the same inputs made one. */
  readonly runs: readonly BlockColumn[];
  /** Entries that are multiplied, as a fraction of the weight's entries; the rest are zeros. */
  readonly density: number;
  /** Whether no entry is NaN or infinite. */
  readonly finite: boolean;
}

/** How a weight is cut. */
export interface BlockCut {
  readonly outChannels: number;
  readonly inFeatures: number;
  /** Out channels of a block-column. */
  readonly bn: number;
  /** In-features of a unit. */
  readonly unit: number;
}

/**
 * Finds the blocks of a weight from its zeros: a unit of inputs is kept by a block-column where it has any entry that is
 * not zero. So whatever pattern a weight has, nothing but zeros is left out.
 *
 * @param values entries in buffer order
 */
export function blockLayout(values: ArrayLike<number>, offsets: MatrixLayout, cut: BlockCut): BlockLayout {
  const units = Math.ceil(cut.inFeatures / cut.unit);
  const { marks, finite } = markBlocks(values, offsets, cut, units);
  const columns: BlockColumn[] = [];
  for (let first = 0; first < cut.outChannels; first += cut.bn) {
    const width = Math.min(cut.bn, cut.outChannels - first);
    const row = (first / cut.bn) * units;
    const kept = Array.from({ length: units }, (_, unit) => unit).filter((unit) => marks[row + unit] !== 0);
    // A block-column of zeros still has outputs: one unit of zeros computes them.
    columns.push({ first, width, kept: kept.length === 0 ? [0] : kept });
  }
  const entries = columns.reduce((sum, { width, kept }) => sum + width * kept.length * cut.unit, 0);
  return {
    unit: cut.unit,
    units,
    columns,
    runs: joinNeighbours(columns),
    density: Math.min(1, entries / (cut.outChannels * cut.inFeatures)),
    finite,
  };
}

function joinNeighbours(columns: readonly BlockColumn[]): BlockColumn[] {
  const runs: BlockColumn[] = [];
  for (const column of columns) {
    const last = runs.at(-1);
    if (last === undefined || !sameUnits(last.kept, column.kept)) runs.push(column);
    else runs[runs.length - 1] = { ...last, width: last.width + column.width };
  }
  return runs;
}

function sameUnits(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((unit, index) => unit === b[index]);
}

/** One byte per block, row-major `[block-columns, units]`: whether it has an entry that is not zero. */
function markBlocks(
  values: ArrayLike<number>,
  { outOffsets, featureOffsets }: MatrixLayout,
  cut: BlockCut,
  units: number,
) {
  const rowOf = Uint32Array.from(outOffsets, (_, out) => Math.floor(out / cut.bn) * units);
  const unitOf = Uint32Array.from(featureOffsets, (_, input) => Math.floor(input / cut.unit));
  const marks = new Uint8Array(Math.ceil(cut.outChannels / cut.bn) * units);
  // The inner loop runs along memory.
  const outInside = outOffsets.length > 1 && (featureOffsets.length === 1 || outOffsets[1]! < featureOffsets[1]!);
  const [outer, inner] = outInside ? [featureOffsets, outOffsets] : [outOffsets, featureOffsets];
  const [outerMark, innerMark] = outInside ? [unitOf, rowOf] : [rowOf, unitOf];
  let finite = true;
  for (let a = 0; a < outer.length; a++) {
    const base = outer[a]!;
    const mark = outerMark[a]!;
    for (let b = 0; b < inner.length; b++) {
      const value = values[base + inner[b]!]!;
      if (value === 0) continue;
      marks[mark + innerMark[b]!] = 1;
      if (value - value !== 0) finite = false;
    }
  }
  return { marks, finite };
}
