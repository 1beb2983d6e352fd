import { entryCount } from "./buffer-order.js";
import { type Dequantization, type SameTensor, sameDequantization, tensorComparison } from "./dequantization.js";
import { describeLayout, sameLayout } from "./matrix-layout.js";
import { describeNode } from "./node-names.js";
import { type BytesOf, type ChunksOf, dequantizedValues, floatValues, zeroPointAt } from "./read-values.js";
import type { Finding } from "./trace.js";
import type { PrunableWeight, Weight, WeightBase } from "./weight.js";

type MatrixFinding = Finding & { kind: "matrix" };

/** A tensor with what its consumers make of it: prunable when all of them multiply with it or do not look at its values. */
export function weightFrom(
  base: Omit<WeightBase, "consumers">,
  findings: readonly Finding[],
  bytesOf: BytesOf,
  chunksOf: ChunksOf,
): Weight {
  const consumers = findings.flatMap(({ consumer }) => (consumer ? [consumer] : []));
  const matrices = findings.filter((finding) => finding.kind === "matrix");
  const reason = reasonAgainst(findings, matrices, bytesOf);
  if (reason !== undefined) return { ...base, consumers, prunable: false, reason };
  return prunableWeight({ ...base, consumers }, matrices, bytesOf, chunksOf);
}

function reasonAgainst(
  findings: readonly Finding[],
  matrices: readonly MatrixFinding[],
  bytesOf: BytesOf,
): string | undefined {
  const refused = findings.find((finding) => finding.kind === "refused");
  if (refused) return refused.reason;
  const [first] = matrices;
  if (first === undefined) return findings.length === 0 ? "read by no node" : "read only for its shape";
  const sameTensor = tensorComparison(bytesOf);
  const other = matrices.find(({ dequantization }) => !agree(first.dequantization, dequantization, sameTensor));
  return (
    other &&
    `dequantised differently for ${describeNode(first.consumer.proto)} and for ${describeNode(other.consumer.proto)}`
  );
}

function agree(a: Dequantization | undefined, b: Dequantization | undefined, sameTensor: SameTensor): boolean {
  return a === b || (a !== undefined && b !== undefined && sameDequantization(a, b, sameTensor));
}

function prunableWeight(
  base: WeightBase,
  matrices: readonly MatrixFinding[],
  bytesOf: BytesOf,
  chunksOf: ChunksOf,
): PrunableWeight {
  const { layout, dequantization } = matrices[0]!;
  const axisConflict = conflict(matrices);
  const { tensor, dtype } = base;
  const weight = {
    ...base,
    prunable: true as const,
    outChannels: layout.outChannels,
    inFeatures: layout.inFeatures,
    groups: layout.groups,
    axes: layout.axes,
    ...(axisConflict !== undefined && { axisConflict }),
  };
  const length = entryCount(base.shape);
  if (dequantization === undefined) {
    return { ...weight, read: (into) => floatValues(chunksOf(tensor), dtype, length, into) };
  }
  const stored = dtype === "int8" ? "int8" : "uint8";
  const zeroAt = zeroPointAt(stored, dequantization, bytesOf);
  return {
    ...weight,
    read: (into) => dequantizedValues(chunksOf(tensor), stored, dequantization, bytesOf, length, into),
    ...(zeroAt && { zeroAt }),
  };
}

function conflict(matrices: readonly MatrixFinding[]): string | undefined {
  const first = matrices[0]!;
  const other = matrices.find(({ layout }) => !sameLayout(first.layout, layout));
  if (other === undefined) return undefined;
  const [a, b] = [describeLayout(first.layout), describeLayout(other.layout)];
  const detail = a === b ? "exact" : "short";
  const reading = ({ consumer, layout }: MatrixFinding) =>
    `${describeNode(consumer.proto)} as ${describeLayout(layout, detail)}`;
  return `its consumers disagree about its axes: ${reading(first)}, ${reading(other)}`;
}
