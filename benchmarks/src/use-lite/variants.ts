import { balancedBlocks, nm, obs, type Pattern, type PruneOptions, unstructured, wanda } from "espalier";

/** A row of the table: how the model is pruned. Samples come from the suite. */
export interface Variant {
  /** Slash name, below that of the suite: pattern / criterion / recovery, and the allocation where it is not uniform. */
  readonly name: string;
  readonly options: PruneOptions;
  /** The most points below the dense model that are good enough, if a limit is asked for. */
  readonly limit?: number;
}

interface Shape {
  readonly name: string;
  readonly pattern: Pattern;
  readonly limit: number;
}

const SHAPES: readonly Shape[] = [
  { name: "50%", pattern: unstructured(0.5), limit: 1.5 },
  { name: "4:8", pattern: nm(4, 8), limit: 2.5 },
  { name: "2:4", pattern: nm(2, 4), limit: 3 },
  { name: "blocks-16x64-50%", pattern: balancedBlocks(16, 64, 0.5), limit: 8 },
  { name: "blocks-32x256-50%", pattern: balancedBlocks(32, 256, 0.5), limit: 10 },
];

/** What is compared for every shape. */
const METHODS = [
  { name: "wanda/none", criterion: wanda(), recover: "none" },
  { name: "obs/obs", criterion: obs(), recover: "obs" },
  { name: "obs/least-squares", criterion: obs(), recover: "least-squares" },
] as const;

const ALLOCATIONS = ["global", "owl", "sensitivity"] as const;

/** Every row but that of the dense model; a new method is one more line. */
export const VARIANTS: readonly Variant[] = SHAPES.flatMap(({ name: shape, pattern, limit }) => [
  ...METHODS.map(({ name, criterion, recover }) => ({
    name: `${shape}/${name}`,
    options: { criterion, pattern, recover },
    ...(recover === "least-squares" && { limit }),
  })),
  ...allocated(shape, pattern),
]);

/** The best recovery, its zeros divided otherwise at the same total. N:M fixes the sparsity of every weight. */
function allocated(shape: string, pattern: Pattern): Variant[] {
  if (pattern.withSparsity === undefined) return [];
  return ALLOCATIONS.map((allocation) => ({
    name: `${shape}/obs/least-squares/${allocation}`,
    options: { criterion: obs(), pattern, recover: "least-squares", allocation },
  }));
}
