output "bucket" {
  value = aws_s3_bucket.storage.bucket
}

output "role_arns" {
  description = "Of the api, the scheduler and the launcher."
  value       = { for name, role in aws_iam_role.control_plane : name => role.arn }
}

output "tenant_role_arns" {
  description = "Of the pods of each namespace: annotate its service account with `eks.amazonaws.com/role-arn`."
  value       = { for name, role in aws_iam_role.tenant : name => role.arn }
}

output "database_secret_arn" {
  description = "AWS made the password and rotates it: let External Secrets or the CSI driver bring it into the cluster."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "environment" {
  description = "Variables of Skein's processes, without the password of the database."
  value = {
    SKEIN_STORAGE         = "s3://${aws_s3_bucket.storage.bucket}/${var.storage_prefix}"
    AWS_REGION            = data.aws_region.current.region
    SKEIN_TASK_ROLE_ARN   = aws_iam_role.task.arn
    SKEIN_SECRETS_KMS_KEY = aws_kms_key.this.arn
    DATABASE_URL          = "postgres://skein:PASSWORD@${aws_db_instance.this.endpoint}/skein?sslmode=verify-full&sslrootcert=/etc/skein/rds/global-bundle.pem"
  }
}

output "redis_url" {
  description = "REDIS_URL of scheduler and agents."
  value       = "rediss://:${random_password.queue.result}@${aws_elasticache_replication_group.this.primary_endpoint_address}:6379"
  sensitive   = true
}
