// A table of all answers while the visitor records, kept in this browser until it is saved as a file.

// An hour of one face at 25 answers a second.
const MOST_ROWS = 90_000;

class Recording {
  constructor(networks, units) {
    this.networks = networks;
    this.began = performance.now();
    this.started = new Date();
    const columns = [...networks.flatMap((network) => network.columns), ...units.map((unit) => unit.code)];
    this.width = columns.length;
    this.lines = [["seconds", "face", "left", "top", "right", "bottom", ...columns, "calibrated"].join(",")];
  }

  get rows() {
    return this.lines.length - 1;
  }

  get isFull() {
    return this.rows >= MOST_ROWS;
  }

  // Face 0, with all else empty, is a moment without a face. `calibrated`: to this person's resting face.
  add(answer, frame) {
    if (this.isFull) return;
    const seconds = ((frame.taken - this.began) / 1000).toFixed(3);
    // A frame that was taken before the recording began.
    if (frame.taken < this.began) return;
    if (!answer.faces.length) this.lines.push(`${seconds},0${",".repeat(5 + this.width)}`);
    for (const face of answer.faces) {
      const cells = this.networks.flatMap((network) => {
        const given = face.answers[network.name];
        const { expression, confidence } = prediction(network, given);
        const abstained = given.abstained ? "True" : "False";
        return [expression, confidence, abstained, given.level, ...given.probabilities];
      });
      const isCalibrated = face.number === answer.resting ? "True" : "False";
      this.lines.push([seconds, face.number, ...face.box, ...cells, ...face.units, isCalibrated].join(","));
    }
  }

  save() {
    const stamp = this.started.toISOString().slice(0, 19).replace("T", "_").replaceAll(":", "-");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${this.lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = `live_${stamp}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}
