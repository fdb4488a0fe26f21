package alert
