import { type Model, walkGraphs } from "@espalier/onnx";

/** A first part of names that no value and no node of the model starts with. */
export function freePrefix(model: Model): string {
  const names = [...walkGraphs(model.proto)].flatMap(({ graph, nodes }) => [
    ...nodes.flatMap(({ name, input, output }) => [name, ...input, ...output]),
    ...(graph?.initializer ?? []).map(({ name }) => name),
    ...(graph?.input ?? []).map(({ name }) => name),
    ...(graph?.sparseInitializer ?? []).map(({ values }) => values?.name ?? ""),
  ]);
  const isFree = (prefix: string): boolean => !names.some((name) => name.startsWith(prefix));
  let prefix = "espalier";
  for (let number = 2; !isFree(prefix); number++) prefix = `espalier${number}`;
  return prefix;
}
