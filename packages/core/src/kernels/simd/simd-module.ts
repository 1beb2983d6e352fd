import { KERNELS_WASM } from "../kernels.wasm.js";

/** The functions of packages/core/assembly/kernels.ts; all work on the tile in the module's memory. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  keepFrom(count: number, below: number, last: number, base: number): number;
  twoOfFour(count: number): void;
  twoOfFourStrided(blocks: number, width: number, bitStart: number, bitPitch: number): void;
  nOfMStrided(blocks: number, width: number, n: number, m: number, bitStart: number, bitPitch: number): void;
  nOfMConsecutive(groups: number, n: number, m: number): void;
  nOfMGathered(blocks: number, width: number, n: number, m: number): void;
  countUpTo(count: number, last: number): number;
}

/** An instance of the SIMD module, and views of the parts of its memory. */
export interface SimdModule {
  readonly run: Exports;
  /** Entries of the tile, {@link TILE_LENGTH} at most. */
  readonly tile: Float32Array;
  /** Its mask bits, and some room for rows that do not start at a byte. */
  readonly bits: Uint8Array;
  readonly foundIndices: Int32Array;
  readonly foundKeys: Int32Array;
}

/**
 * Entries copied into the module at a time. 128 KiB stay in any level-2 cache; 32 to 512 KiB were equally fast within the
 * noise, with 8 KiB the copies in and out took a fifth longer for their calls.
 */
export const TILE_LENGTH = 1 << 15;

/** WebAssembly as far as it is used here: neither the ES library nor Node's types declare it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** Compiles and instantiates the module, synchronously: it is below the 4 KiB that browsers allow for that. */
export function instantiateSimd(): SimdModule | undefined {
  let run: Exports;
  try {
    const bytes = Uint8Array.from(atob(KERNELS_WASM), (character) => character.charCodeAt(0));
    run = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  } catch {
    // No WebAssembly, no SIMD in it, or a content security policy against it.
    return undefined;
  }
  const { buffer } = run.memory;
  return {
    run,
    // The memory map of packages/core/assembly/kernels.ts.
    tile: new Float32Array(buffer, 0x4000, TILE_LENGTH),
    bits: new Uint8Array(buffer, 0x1000, 0x3000),
    foundIndices: new Int32Array(buffer, 0x24000, TILE_LENGTH),
    foundKeys: new Int32Array(buffer, 0x44000, TILE_LENGTH),
  };
}
