// The API, and live updates of a run. A wrong answer becomes an Error whose message is the server's own sentence.

const patience = 2000;

export async function get(path, signal) {
  let response;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" }, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer: is 'selfreward serve' still running?", { cause: error });
  }
  if (response.status === 401) location.assign("/login");
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail ?? `The server answered ${response.status}.`), { status: response.status });
}

export const runPath = (run, rest = "") => `/api/runs/${encodeURIComponent(run)}${rest}`;

/**
 * Calls `changed` after facts of a run came, at most once in `pause` milliseconds, until the signal falls. A hidden page listens to nothing: a
 * browser has few connections to one server, and every open tab would take one.
 */
export function follow(run, position, signal, changed, told, pause = 500) {
  let source = null, timer = null, retry = null;
  const note = () => { timer ??= setTimeout(() => { timer = null; changed(); }, pause); };
  const close = () => { source?.close(); source = null; clearTimeout(retry); };
  const open = () => {
    if (signal.aborted || document.hidden || source) return;
    source = new EventSource(runPath(run, `/events?after=${position}`));
    source.addEventListener("alive", () => told(true));
    source.addEventListener("fact", event => { position = JSON.parse(event.data).position; note(); });
    source.addEventListener("error", () => {
      told(false);
      if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      close();
      retry = setTimeout(open, patience);
    });
  };
  const turn = () => { if (document.hidden) close(); else { note(); open(); } };
  document.addEventListener("visibilitychange", turn, { signal });
  signal.addEventListener("abort", () => { close(); clearTimeout(timer); });
  open();
}
