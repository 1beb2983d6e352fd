import { readFileSync } from "node:fs";
import type { Tensor } from "@espalier/runtime";
import { useLitePath } from "@espalier/testkit";
import { Judge } from "./evaluate.js";

const judge = await Judge.trainedOn(useLitePath(), readFileSync(useLitePath()));

/** 1 where the demo's probe names the class of a definition by its embedding, 0 where it does not. */
export default function accuracy({ embedding }: { readonly embedding: Tensor }, label: number): number {
  return Number(judge.classOf(embedding.data as Float32Array) === label);
}
