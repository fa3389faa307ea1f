import type { Metadata } from "next";

import { StatusBoard } from "@/health/StatusBoard";
import { getSettings } from "@/settings/read";

export const metadata: Metadata = {
  title: "Status",
  description: "How Delight is right now, part by part.",
};

export default function StatusPage() {
  const { NEXT_PUBLIC_API_URL: apiUrl, RELEASE: release } = getSettings();
  return <StatusBoard apiUrl={apiUrl} release={release} />;
}
