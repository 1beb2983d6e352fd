import type { ValueInfoProto } from "@espalier/onnx";

/** Names that exporters give to every size they do not know: two sizes of such a name need not be equal. */
const NO_NAMES: ReadonlySet<string> = new Set(["", "?", "*", "-1", "None", "none", "unknown"]);

/** Numbers, names, and `""` for sizes without either; undefined where the rank is open or the value is no tensor. */
export function declaredDims({ type }: ValueInfoProto): readonly (number | string)[] | undefined {
  const value = type?.value;
  if (value?.case !== "tensorType") return undefined;
  return value.value.shape?.dim.map(({ value: dim }) => {
    if (dim.case === "dimValue") return Number(dim.value);
    return dim.case === "dimParam" && !NO_NAMES.has(dim.value) ? dim.value : "";
  });
}
