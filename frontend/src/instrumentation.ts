/**
 * At start, once in each process. What needs Node is imported inside the condition: Next builds this
 * file for its edge runtime too, and leaves out what such a condition excludes.
 */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const { start } = await import("@/server/start");
    start();
  }
}
