import { type Model, walkGraphs } from "@espalier/onnx";

/** Names of the values that stages add to those of the model: all start with a text that no name of the model starts with. */
export class ValueNames {
  readonly #prefix: string;

  constructor(model: Model) {
    const taken = [...walkGraphs(model.proto)].flatMap(({ graph, nodes }) => [
      ...nodes.flatMap(({ name, input, output }) => [name, ...input, ...output]),
      ...[...(graph?.initializer ?? []), ...(graph?.input ?? [])].map(({ name }) => name),
      ...(graph?.sparseInitializer ?? []).map(({ values }) => values?.name ?? ""),
    ]);
    let prefix = "stage";
    for (let number = 2; taken.some((name) => name.startsWith(prefix)); number++) prefix = `stage${number}`;
    this.#prefix = prefix;
  }

  /** A value of the dense model, where that differs from the one of this name. */
  dense(value: string): string {
    return `${this.#prefix}/dense/${value}`;
  }

  /** A value of the stage itself. @param input number of the laid-out input that it is about; none = all */
  own(kind: string, input?: number): string {
    return `${this.#prefix}/${kind}${input === undefined ? "" : `/${input}`}`;
  }
}
