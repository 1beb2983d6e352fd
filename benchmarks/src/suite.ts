/** What a suite measured: rows of text in the order of the columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Under the table: how it was measured. */
  readonly note: string;
}

/** Some measurements that belong together, chosen by name on the command line. */
export interface Suite {
  /** The first part of its cases' slash names, and of its markers in the document. */
  readonly name: string;
  /** File in docs/ that shows its table. @default "benchmarks.md" */
  readonly document?: string;
  /** Measures the cases whose name is chosen. */
  run(isChosen: (caseName: string) => boolean): Promise<Table>;
}
