// The health check of the image: do the pages answer on their port?
const { status } = await fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/healthz`, {
  signal: AbortSignal.timeout(2_500),
});
process.exitCode = status === 200 ? 0 : 1;
