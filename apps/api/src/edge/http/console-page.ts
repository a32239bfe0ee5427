import type { FastifyInstance } from "fastify";
import type { Access } from "../access.ts";
import { guarded } from "./guarded.ts";

/** Where flytekit's and flytectl's printed links lead: `/console/projects/P/domains/D/executions/N`. */
export function mountConsole(app: FastifyInstance, { access }: { readonly access: Access }): void {
  app.get(
    "/",
    guarded(access, "GET /", (_request, reply) => reply.redirect("/console/")),
  );
  app.get(
    "/console/*",
    guarded(access, "GET /console/*", (request, reply) =>
      reply
        .type("text/html; charset=utf-8")
        .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        .header("x-content-type-options", "nosniff")
        .send(pageOf(request.raw.url ?? "")),
    ),
  );
}

function pageOf(url: string): string {
  const path = url.split("?", 1)[0] ?? "";
  const [, ...named] = /^\/console\/projects\/([^/]+)\/domains\/([^/]+)\/executions\/([^/]+)/.exec(path) ?? [];
  const parts = named.map(decoded);
  const [project, domain, name] = parts;
  if (name === undefined)
    return htmlOf("Skein", "<p>This server runs Flyte workflows. See <code>/api/v1/version</code>.</p>");
  const api = (kind: string): string => `/api/v1/${kind}/${parts.map(encodeURIComponent).join("/")}`;
  const link = (kind: string, text: string): string => `<li><a href="${escapeHtml(api(kind))}">${text}</a></li>`;
  const where = escapeHtml(`${project} / ${domain}`);
  const links =
    link("executions", "the run") +
    link("node_executions", "its nodes") +
    link("data/executions", "inputs and outputs");
  return htmlOf(
    `Run ${name}`,
    `<p>Run <strong>${escapeHtml(name)}</strong> of ${where}, as JSON:</p><ul>${links}</ul>`,
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");

const htmlOf = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>${escapeHtml(title)}</h1>${body}</html>`;
