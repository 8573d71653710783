"""Which of 20 Newsgroups look mislabelled? A training loop of one's own, and a recorder in it.

LEARNORDER_DATA=/path/to/data python 02_your_own_loop.py runs/own.zarr
learnorder rank runs/own.zarr --lowest 20

Bags of words through one hidden layer, ten times. The loop knows nothing of logs but three lines.
"""

import sys

import torch
from sklearn.feature_extraction.text import TfidfVectorizer

import learnorder as lo

N_SEEDS, N_EPOCHS = 10, 10

newsgroups = lo.load_dataset("20newsgroups")
words = TfidfVectorizer(max_features=5000, sublinear_tf=True, min_df=2)
words.fit(newsgroups.splits["train"].inputs)
inputs, labels = {}, {}
for name, split in newsgroups.splits.items():
    inputs[name] = torch.tensor(words.transform(split.inputs).toarray(), dtype=torch.float32)
    labels[name] = torch.tensor(split.examples.labels)

for seed in range(N_SEEDS):
    torch.manual_seed(seed)
    hidden = torch.nn.Linear(inputs["train"].shape[1], 128)
    model = torch.nn.Sequential(hidden, torch.nn.ReLU(), torch.nn.Linear(128, newsgroups.n_classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    recorder = lo.Recorder(
        sys.argv[1],
        seed=seed,
        labels=labels,
        ids={name: split.examples.ids for name, split in newsgroups.splits.items()},
        class_names=newsgroups.class_names,
        examples={name: list(split.inputs) for name, split in newsgroups.splits.items()},
    )
    for epoch in range(1, N_EPOCHS + 1):
        for batch in torch.randperm(len(inputs["train"])).split(64):
            optimizer.zero_grad()
            logits = model(inputs["train"][batch])
            torch.nn.functional.cross_entropy(logits, labels["train"][batch]).backward()
            optimizer.step()
        with torch.no_grad():
            for name in inputs:
                recorder.record(epoch, name, model(inputs[name]))
    recorder.finish()
    print(f"seed {seed}: {recorder.last_epoch} epochs")
