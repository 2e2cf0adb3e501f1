"""Which of the printed amounts was paid, learned from slips: features of each amount, boosted trees over them, plain numpy."""
