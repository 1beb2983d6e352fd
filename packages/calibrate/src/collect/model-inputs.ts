import { dtypeName, type Model, type ValueInfoProto } from "@espalier/onnx";
import type { Dtype, ValueInfo } from "@espalier/runtime";
import { StatisticsError } from "../statistics-error.js";

/** Element types that feeds can hold. */
const DTYPES: ReadonlySet<string> = new Set<Dtype>([
  "float32",
  "float64",
  "float16",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
]);

/**
 * The inputs that every feed of a model must have, as `Runner.inputs` lists them, without loading the model: inputs with a
 * default (an initializer of the same name) are not among them.
 *
 * @throws {StatisticsError} `load-failed` for an input that is no tensor or has a type that JavaScript cannot hand over
 */
export function modelInputs({ proto }: Model): readonly ValueInfo[] {
  const graph = proto.graph;
  const defaults = new Set(graph?.initializer.map(({ name }) => name));
  for (const { values } of graph?.sparseInitializer ?? []) defaults.add(values?.name ?? "");
  return (graph?.input ?? []).filter(({ name }) => !defaults.has(name)).map(inputInfo);
}

function inputInfo({ name, type }: ValueInfoProto): ValueInfo {
  const value = type?.value;
  const dtype = value?.case === "tensorType" ? dtypeName(value.value.elemType) : "no tensor";
  if (value?.case !== "tensorType" || !DTYPES.has(dtype)) {
    const message = `The model's input ${JSON.stringify(name)} is ${dtype}; expected a tensor of ${[...DTYPES].join(", ")}. Put a Cast into the model there.`;
    throw new StatisticsError("load-failed", message);
  }
  const dims = (value.value.shape?.dim ?? []).map(({ value: dim }) => {
    if (dim.case === "dimValue") return Number(dim.value);
    return dim.case === "dimParam" && dim.value !== "" ? dim.value : null;
  });
  return { name, dtype: dtype as Dtype, dims };
}
