import { isStatisticsError, type StatisticsError } from "@espalier/calibrate";

/** The StatisticsError that `run` throws; any other outcome fails the test. */
export function failure(run: () => unknown): StatisticsError {
  try {
    run();
  } catch (error) {
    if (isStatisticsError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The StatisticsError that a promise is rejected with; any other outcome fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<StatisticsError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  return failure(() => {
    if (outcome) throw outcome.error;
  });
}
