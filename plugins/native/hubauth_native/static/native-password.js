// The meter below a new password. What it shows is the server's own judgement, which counts when the form is sent.
"use strict";

const PAUSE = 400; // milliseconds without a key before the server is asked
const ABOUT = ["username", "email", "full_name"];

function measure(field) {
  const input = field.querySelector("input");
  const meter = field.querySelector("meter");
  const said = field.querySelector("[role=status]");
  let waiting = 0;
  let asking = new AbortController();

  function show(strength) {
    meter.hidden = !strength;
    meter.value = strength ? strength.score : 0;
    const words = strength ? strength.words : "";
    meter.setAttribute("aria-valuetext", words);
    if (said.textContent !== words) {
      said.textContent = words;
    }
  }

  async function ask() {
    const form = new FormData(input.form);
    const sent = new URLSearchParams({ _xsrf: form.get("_xsrf"), password: input.value });
    for (const name of ABOUT) {
      sent.append(name, form.get(name) || "");
    }
    asking = new AbortController();
    try {
      const answer = await fetch(field.dataset.asks, { method: "POST", body: sent, signal: asking.signal });
      show(answer.ok ? await answer.json() : null);
    } catch (error) {
      if (error.name !== "AbortError") {
        show(null);
      }
    }
  }

  input.addEventListener("input", () => {
    window.clearTimeout(waiting);
    asking.abort();
    if (input.value) {
      waiting = window.setTimeout(ask, PAUSE);
    } else {
      show(null);
    }
  });
}

document.querySelectorAll(".native-password").forEach(measure);
