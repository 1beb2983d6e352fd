import { balancedBlocks, type ExportFormat, type ExportValues, nm, type Pattern, unstructured } from "espalier";

/** A model pruned in some way, and how it is then exported. */
export interface PrunedForm {
  /** Part of the slash name. */
  readonly name: string;
  readonly pattern: Pattern;
  readonly formats: readonly (readonly [format: ExportFormat, values: ExportValues])[];
}

/** Every row of the table but those of the pruned dense models; another format is one more entry. */
export const PRUNED_FORMS: readonly PrunedForm[] = [
  {
    name: "2:4",
    pattern: nm(2, 4),
    formats: [
      ["nm", "f32"],
      ["nm", "f16"],
      ["nm", "int8"],
    ],
  },
  {
    name: "50%",
    pattern: unstructured(0.5),
    formats: [
      ["bitmask", "f32"],
      ["bitmask", "f16"],
      ["gap", "f32"],
    ],
  },
  {
    name: "80%",
    pattern: unstructured(0.8),
    formats: [
      ["bitmask", "f32"],
      ["gap", "f32"],
      ["gap", "int8"],
      ["coo", "f32"],
    ],
  },
  {
    name: "blocks-32x256-50%",
    pattern: balancedBlocks(32, 256, 0.5),
    formats: [
      ["blocks", "f32"],
      ["blocks", "int8"],
    ],
  },
];
