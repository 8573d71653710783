"""The whole walk in one file: real digits, two architectures, one report. No files needed."""

import learnorder as lo

dataset = lo.load_dataset("digits")


def spec(architecture: str) -> lo.TrainingSpec:
    """Five epochs of one architecture on the digits."""
    return lo.TrainingSpec.from_tables(
        {
            "dataset": {"name": "digits"},
            "architecture": {"name": architecture},
            "training": {"epochs": 5, "batch_size": 64},
        }
    )


for name, seeds in (("linear", range(4)), ("mlp", range(4, 8))):
    lo.train_collection(spec(name), seeds=seeds, out=f"../runs/{name}.zarr", dataset=dataset)

logs = {name: lo.open_log(f"../runs/{name}.zarr") for name in ("linear", "mlp")}
test = {name: log["test"] for name, log in logs.items()}  # (replicate, epoch, example)

easiest_first = lo.accessibility(test["mlp"]).sortby(-lo.accessibility(test["mlp"]))
print("learned first:", easiest_first.example.values[:5].tolist())
print("learned last: ", easiest_first.example.values[-5:].tolist())
print("reliability:  ", lo.reliability(test["mlp"]).value)

result = lo.compare(test)
print("corrected correlation of linear and mlp:", result.pairs[0].corrected)
print("report:", lo.render_report(logs, "../runs/report.html"))
