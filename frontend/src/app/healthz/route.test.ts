/** @jest-environment node */
import { GET } from "./route";

test("tells the release, and is kept by nobody", async () => {
  const response = GET();
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toEqual({
    status: "healthy",
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    version: "0.1.0",
    release: "development",
  });
});
