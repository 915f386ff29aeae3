"""What an order owes next: tasks, and when to look again."""
