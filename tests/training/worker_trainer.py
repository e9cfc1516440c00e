"""One process of a distributed IGTrainer on plain datasets, started by torchrun."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from nliexplorer import processes
from tests.training.test_trainer import logged, one_sentence, trainer_of, vector


def main() -> None:
    folder, batch = Path(sys.argv[1]), int(sys.argv[2])
    trainer = trainer_of(
        folder / "run",
        one_sentence(),
        args={"per_device_train_batch_size": batch, "optim": "sgd", "learning_rate": 0.1},
        settings={"lambda_": 5.0, "ig_estimator": "quadrature"},
    )
    trainer.train()
    rank, world = processes.rank_and_world()
    torch.save(
        {"parameters": vector(trainer.model), "loss": logged(trainer, "loss"), "world": world},
        folder / f"{rank}.pt",
    )
    processes.stop()


if __name__ == "__main__":
    main()
