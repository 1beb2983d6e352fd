import { openRunner, type Runner } from "@espalier/runtime";
import { type GemmKind, gemmModel } from "./gemm-model.js";
import { smallProduct } from "./small-product.js";

/** Sizes of a product `A · B`: A is `[m, k]`, B is `[k, n]`, the result `[m, n]`, all row-major. */
export interface ProductShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored transposed, as `[k, m]`. */
  readonly transA?: boolean;
  /** B is stored transposed, as `[n, k]`. */
  readonly transB?: boolean;
}

/** Dense matrix products, in the precision of the operands. */
export interface MatrixProducts {
  /**
   * `A · B` in a new array. The same operands give the same bits.
   *
   * @param a row-major, at least 1 entry, not changed
   * @param b of the same precision as `a`, not changed
   */
  multiply<Values extends Float32Array | Float64Array>(a: Values, b: Values, shape: ProductShape): Promise<Values>;
  /** Frees the memory behind it. Nothing may be multiplied afterwards. */
  close(): Promise<void>;
}

/** Up to so many multiplications plain loops take less than the 40 µs that a call of ONNX Runtime does. */
const SMALL = 1 << 15;

/**
 * Products by ONNX Runtime: its Gemm is 20 times as fast as loops in JavaScript (25 · 10⁹ multiplications a second in
 * float64, 50 in float32, on one core with AVX-512). A session is one Gemm node on one thread, opened when a product of its
 * kind is first asked for. Tiny products are done in loops.
 */
export async function openMatrixProducts(): Promise<MatrixProducts> {
  return new GemmSessions();
}

class GemmSessions implements MatrixProducts {
  readonly #runners = new Map<string, Promise<Runner>>();

  async multiply<Values extends Float32Array | Float64Array>(
    a: Values,
    b: Values,
    shape: ProductShape,
  ): Promise<Values> {
    const { m, n, k, transA = false, transB = false } = shape;
    if (m * n * k <= SMALL) return smallProduct(a, b, shape);
    const double = a instanceof Float64Array;
    const runner = await this.#runner({ double, transA, transB });
    const { c } = await runner.run({
      a: matrix(a, transA ? [k, m] : [m, k]),
      b: matrix(b, transB ? [n, k] : [k, n]),
    });
    return c!.data as Values;
  }

  async close(): Promise<void> {
    const runners = await Promise.all(this.#runners.values());
    await Promise.all(runners.map((runner) => runner.close()));
  }

  #runner(kind: GemmKind): Promise<Runner> {
    const key = `${kind.double} ${kind.transA} ${kind.transB}`;
    const known = this.#runners.get(key) ?? openRunner(gemmModel(kind), { threads: 1 });
    this.#runners.set(key, known);
    return known;
  }
}

function matrix(data: Float32Array | Float64Array, dims: readonly number[]) {
  return data instanceof Float64Array
    ? ({ dtype: "float64", dims, data } as const)
    : ({ dtype: "float32", dims, data } as const);
}
