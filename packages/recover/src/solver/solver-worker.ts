import { type MatrixProducts, openMatrixProducts } from "../blas/matrix-products.js";
import { isRecoverError } from "../recover-error.js";
import type { LayerTask } from "../solve/layer-task.js";
import { solveLayer } from "../solve/solve-layer.js";
import type { SolverAnswer } from "./solver-answer.js";

let products: Promise<MatrixProducts> | undefined;

/** What Piscina calls in a worker thread: solves one layer. The session for products is opened with the first and stays. */
export default async function solve(task: LayerTask): Promise<SolverAnswer> {
  try {
    products ??= openMatrixProducts();
    return { status: "solved", solution: await solveLayer(task, await products) };
  } catch (error) {
    if (!isRecoverError(error)) throw error;
    return { status: "failed", code: error.code, message: error.message };
  }
}
