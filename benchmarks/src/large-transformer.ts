import { writeSyntheticTransformer } from "@espalier/testkit";

/** 12 layers, 2048 wide: 2.4 GB in external data, the largest tensor 64 MiB. */
const SHAPE = { layers: 12, width: 2048, ffn: 8192, heads: 16, seq: 16 };

/** Writes a model that is larger than the memory that working on it may take, and gives its path. */
export function writeLargeTransformer(folder: string): string {
  return writeSyntheticTransformer(folder, SHAPE);
}
