/** Cells in the order of the columns: case, dense, exported, ratio, what is asked for. */
export type Row = readonly string[];

/** Measures the cases whose names are chosen; writes models into the folder. */
export type Measurement = (folder: string, isChosen: (caseName: string) => boolean) => Promise<readonly Row[]>;
