-- Operators look for the analyses that failed with a code, newest first.
ALTER TABLE analysis_outcomes ADD KEY analysis_outcomes_code (error_code, analysis_id)
