// Comforts of the pages about accounts. Everything on them works without this file.
"use strict";

function countSelected(form) {
  const told = document.getElementById("native-selected");
  const boxes = form.querySelectorAll("input[name=id]");
  const all = document.getElementById("native-all");
  all.closest("div").hidden = false;
  const tell = () => {
    const selected = [...boxes].filter((box) => box.checked).length;
    all.checked = selected === boxes.length;
    all.indeterminate = selected > 0 && selected < boxes.length;
    told.textContent = selected ? `(${selected})` : "";
  };
  all.addEventListener("change", () => {
    boxes.forEach((box) => {
      box.checked = all.checked;
    });
    tell();
  });
  boxes.forEach((box) => box.addEventListener("change", tell));
  tell(); // a browser keeps what was ticked when somebody comes back
}

function offerToCopy(button) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(input.value);
    button.textContent = "Copied";
  });
  button.hidden = !navigator.clipboard;
}

if (document.getElementById("native-selected")) {
  countSelected(document.querySelector(".native-table").closest("form"));
}
document.querySelectorAll(".native-copy").forEach(offerToCopy);
