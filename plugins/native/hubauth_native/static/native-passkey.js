// Passkeys: a button of a form asks the browser for one, and the form takes the answer along. Without this file the
// button is not there.
"use strict";

const FIELD = "passkey";

function bytes(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

function text(buffer) {
  const raw = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function descriptors(known) {
  return (known || []).map(({ id, transports }) => ({ type: "public-key", id: bytes(id), transports }));
}

async function challenge(form) {
  const body = new URLSearchParams({ _xsrf: form.elements._xsrf.value });
  const answer = await fetch(new URL("passkeys/challenge", form.action), { method: "POST", body });
  if (!answer.ok) {
    throw new Error(answer.status === 404 ? "Passkeys cannot be used at this address." : "This page is too old. Load it again.");
  }
  return answer.json();
}

async function made({ challenge, rp, timeout }, { user, exclude }) {
  const publicKey = {
    challenge: bytes(challenge),
    rp,
    timeout,
    user: { ...user, id: bytes(user.id) },
    excludeCredentials: descriptors(exclude),
    pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    attestation: "none",
  };
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
  const transports = response.getTransports ? response.getTransports() : [];
  const { clientDataJSON, attestationObject } = response;
  return {
    id,
    rawId: text(rawId),
    type,
    response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject), transports },
  };
}

async function shown({ challenge, rp, timeout }, { allow }) {
  const userVerification = allow ? "preferred" : "required"; // alone, it stands for the password too
  const publicKey = { challenge: bytes(challenge), rpId: rp.id, timeout, allowCredentials: descriptors(allow), userVerification };
  const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  return {
    id,
    rawId: text(rawId),
    type,
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
    },
  };
}

function say(form, sentence) {
  let alert = form.querySelector(".native-passkey-trouble");
  if (!alert) {
    alert = document.createElement("p");
    alert.className = "alert alert-danger native-passkey-trouble";
    alert.setAttribute("role", "alert");
    form.prepend(alert);
  }
  alert.textContent = sentence;
}

function why(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "AbortError":
      return "No passkey was used. Try again, or go on another way.";
    case "InvalidStateError":
      return "This device has a passkey of yours already.";
    case "SecurityError":
      return "Passkeys cannot be used at this address.";
    default:
      return error.message || "The browser could not use a passkey.";
  }
}

async function ask(button) {
  const form = button.form;
  const data = form.parentElement.querySelector("[data-passkey]");
  const wanted = data ? JSON.parse(data.dataset.passkey) : {};
  button.disabled = true;
  try {
    const begun = await challenge(form);
    const answer = wanted.create ? await made(begun, wanted.create) : await shown(begun, wanted);
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: FIELD, value: JSON.stringify(answer) });
    form.append(input);
    form.submit();
  } catch (error) {
    say(form, why(error));
  } finally {
    button.disabled = false;
  }
}

if (window.PublicKeyCredential && window.isSecureContext) {
  document.querySelectorAll(`button[name=use][value=${FIELD}]`).forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", (event) => {
      event.preventDefault();
      ask(button);
    });
  });
}
