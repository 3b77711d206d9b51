// Four comforts of hubauth's pages. Everything on them works without this file.
"use strict";

function warnWhereInsecure() {
  const warning = document.getElementById("insecure-login-warning");
  if (warning && !window.isSecureContext) {
    warning.classList.remove("hidden");
  }
}

function offerToReveal(button) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  const icon = button.querySelector("i");
  button.addEventListener("click", () => {
    const reveal = input.type === "password";
    input.type = reveal ? "text" : "password";
    button.setAttribute("aria-pressed", String(reveal));
    icon.className = reveal ? "fa fa-eye-slash" : "fa fa-eye";
  });
  // A password that is still readable when it is sent would be offered as text by the browser's own history of inputs.
  input.form.addEventListener("submit", () => {
    input.type = "password";
  });
  button.hidden = false;
}

// A refused callback, or a further step, stays at an address that holds a code; the address bar need not keep it.
function forgetQuery() {
  if (document.querySelector(".hubauth-code, .hubauth-form input[name=state]")) {
    window.history.replaceState(null, "", window.location.pathname);
  }
}

// What one site's form answers goes on to the next as a form; nobody needs to press its button.
function goOn() {
  const form = document.querySelector("form.hubauth-onward");
  if (form) {
    HTMLFormElement.prototype.submit.call(form); // a source may call a field of its answer "submit"
  }
}

warnWhereInsecure();
forgetQuery();
document.querySelectorAll(".hubauth-reveal").forEach(offerToReveal);
goOn();
