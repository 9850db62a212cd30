"""What comes back: bounces, complaints, answers by machines, and the reports of receivers."""
