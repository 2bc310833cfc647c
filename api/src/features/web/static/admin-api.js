// @ts-check
// The operators' calls. The token lives in this tab alone and goes into no URL.

import { ApiError, exchangeJson } from "../client/http.js";

const KEY = "toneup.operator";

/** Keeps the token as long as the tab; in memory where storage is denied. */
function tokenStore() {
  let memory = "";
  return {
    read() {
      try {
        return sessionStorage.getItem(KEY) ?? memory;
      } catch {
        return memory;
      }
    },
    /** @param {string} token */
    write(token) {
      memory = token;
      try {
        if (token) sessionStorage.setItem(KEY, token);
        else sessionStorage.removeItem(KEY);
      } catch {
        // Memory will do.
      }
    },
  };
}

export class AdminApi {
  #store = tokenStore();
  #fetch = globalThis.fetch.bind(globalThis);

  get token() {
    return this.#store.read();
  }

  set token(token) {
    this.#store.write(token.trim());
  }

  overview = () => this.#call("GET", "/admin/overview");
  actions = () => this.#call("GET", "/admin/actions?limit=20");
  deadLetters = () => this.#call("GET", "/admin/dead-letters?limit=50");

  reports = () => this.#call("GET", "/admin/reports?limit=50");

  /** @param {string} id @param {"removed" | "dismissed"} outcome */
  closeReport = (id, outcome) => this.#call("POST", `/admin/reports/${encodeURIComponent(id)}/close`, { outcome });

  /** @param {number} since */
  series = (since) => this.#call("GET", `/admin/series?since=${since}`);

  /** @param {Record<string, string>} criteria what is empty is left out */
  jobs = (criteria) => {
    const given = Object.entries(criteria).filter(([, value]) => value);
    return this.#call("GET", `/admin/jobs?${new URLSearchParams([["limit", "25"], ...given])}`);
  };

  /** @param {string} id */
  job = (id) => this.#call("GET", `/admin/jobs/${encodeURIComponent(id)}`);

  /** @param {string} id @param {"cancel" | "retry"} verb */
  steerJob = (id, verb) => this.#call("POST", `/admin/jobs/${encodeURIComponent(id)}/${verb}`);

  /** @param {string} id */
  drain = (id) => this.#call("POST", `/admin/replicas/${encodeURIComponent(id)}/drain`);

  /** @param {boolean} paused */
  setIntake = (paused) => this.#call("PUT", "/admin/intake", { paused });

  /** @param {"replay" | "drop"} verb @param {number[]} numbers */
  treatDeadLetters = (verb, numbers) => this.#call("POST", `/admin/dead-letters/${verb}`, { numbers });

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [json]
   */
  #call(method, path, json) {
    const headers = { authorization: `Bearer ${this.token}` };
    return exchangeJson(this.#fetch, path, { method, json, headers, timeoutMs: 10_000 });
  }
}

/** Whether the token is at fault, so that only another one helps. @param {unknown} error */
export function isRefusal(error) {
  return error instanceof ApiError && (error.status === 401 || error.status === 403);
}
