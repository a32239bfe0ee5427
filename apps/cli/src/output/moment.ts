const two = (value: number): string => String(Math.trunc(value)).padStart(2, "0");

/** A moment in this machine's zone (TZ), which is said: `2026-01-31 13:00:00 +01:00`. A dash where there is none. */
export function formatMoment(iso: string | null | undefined): string {
  if (!iso) return "-";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const ahead = -at.getTimezoneOffset();
  const zone = `${ahead < 0 ? "-" : "+"}${two(Math.abs(ahead) / 60)}:${two(Math.abs(ahead) % 60)}`;
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zone}`;
}

/** A length of time in two units at most: `0.42s`, `12.3s`, `3m04s`, `2h05m`, `3d02h`. A dash where there is none. */
export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds < 1) return `${seconds.toFixed(2)}s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return `${Math.trunc(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.trunc(whole / 3_600)}h${two((whole % 3_600) / 60)}m`;
  return `${Math.trunc(whole / 86_400)}d${two((whole % 86_400) / 3_600)}h`;
}

/** How long something took, or takes since it began. */
export const formatSpan = (
  { startedAt, durationSeconds }: { readonly startedAt: string | null; readonly durationSeconds: number | null },
  nowMs: number = Date.now(),
): string =>
  formatSeconds(
    durationSeconds ?? (startedAt === null ? null : Math.max(0, (nowMs - new Date(startedAt).getTime()) / 1_000)),
  );
