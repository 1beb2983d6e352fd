import type { WeightView } from "../weight-view.js";

/** The matrix `[outChannels, inFeatures]` cut into tiles, row-major from tile 0. */
export interface TileGrid {
  readonly rows: number;
  readonly columns: number;
  /** Tile row of each out channel, length `outChannels`. */
  readonly rowOf: Uint32Array;
  /** Tile column of each in-feature, length `inFeatures`. */
  readonly columnOf: Uint32Array;
  /** Tiles with fewer than `height` × `width` entries, where a group or the matrix ends. */
  readonly ragged: number;
}

/**
 * Cuts a weight into tiles of `height` out channels × `width` in-features. Tiles start anew with every group of out
 * channels: groups have different inputs, so a tile over two of them would mean nothing to whoever computes with it.
 */
export function tileGrid(view: WeightView, height: number, width: number): TileGrid {
  const perGroup = view.outChannels / view.groups;
  const rowsPerGroup = Math.ceil(perGroup / height);
  const rows = view.groups * rowsPerGroup;
  const columns = Math.ceil(view.inFeatures / width);
  const whole = view.groups * Math.floor(perGroup / height) * Math.floor(view.inFeatures / width);
  return {
    rows,
    columns,
    rowOf: Uint32Array.from(
      { length: view.outChannels },
      (_, channel) => Math.floor(channel / perGroup) * rowsPerGroup + Math.floor((channel % perGroup) / height),
    ),
    columnOf: Uint32Array.from({ length: view.inFeatures }, (_, feature) => Math.floor(feature / width)),
    ragged: rows * columns - whole,
  };
}

/** The out channels and in-features of a tile, as messages write them: `out channels 16–31, in-features 4–7`. */
export function describeTile(grid: TileGrid, tile: number): string {
  const row = Math.floor(tile / grid.columns);
  const column = tile % grid.columns;
  const channels = `${grid.rowOf.indexOf(row)}–${grid.rowOf.lastIndexOf(row)}`;
  return `out channels ${channels}, in-features ${grid.columnOf.indexOf(column)}–${grid.columnOf.lastIndexOf(column)}`;
}
