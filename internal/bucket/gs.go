//go:build !gcs

package bucket

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"gocloud.dev/blob"
)

// openGS speaks to Google Cloud Storage through its XML interface, which is
// S3's. It wants the HMAC keys of the settings page "Interoperability":
// GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY, else the AWS chain.
func openGS(ctx context.Context, a Address, env func(string) string) (*Bucket, error) {
	endpoint := cmp.Or(a.Query.Get("endpoint"), "https://storage.googleapis.com")
	if err := checkEndpoint(endpoint); err != nil {
		return nil, err
	}
	cfg, err := awsConfig(ctx, a.Query)
	if err != nil {
		return nil, err
	}
	if id, secret := env("GS_ACCESS_KEY_ID"), env("GS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(id, secret, "")
	} else if env("AWS_ACCESS_KEY_ID") == "" && !a.Query.Has("anonymous") && !a.Query.Has("profile") {
		return nil, errors.New("gs:// needs the HMAC keys of the storage account: set GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY, or build assay with -tags gcs to use Google's own credentials")
	}
	cfg.Region = cmp.Or(a.Query.Get("region"), "auto")
	cfg.BaseEndpoint = aws.String(endpoint)
	cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	cfg.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = true
		o.BaseEndpoint = aws.String(endpoint) // the SDK lets AWS_ENDPOINT_URL_S3 go before the configuration's
		o.APIOptions = append(o.APIOptions, leaveEncodingUnsigned)
	})
	return newS3(ctx, client, a.Bucket, gsStore{s3Store{client: client, bucket: a.Bucket}})
}

// gsStore differs from S3 in what a version is: conditions on writes go by the
// generation of the object, in headers of their own.
// https://cloud.google.com/storage/docs/xml-api/reference-headers
type gsStore struct{ s3Store }

func (s gsStore) version(as func(any) bool, etag string) string {
	var got s3.GetObjectOutput
	var head s3.HeadObjectOutput
	switch {
	case as(&got):
		return generation(got.ResultMetadata)
	case as(&head):
		return generation(head.ResultMetadata)
	}
	return etag
}

func generation(m middleware.Metadata) string {
	if resp, ok := awsmiddleware.GetRawResponse(m).(*smithyhttp.Response); ok {
		return resp.Header.Get("X-Goog-Generation")
	}
	return ""
}

func (s gsStore) put(ctx context.Context, _ *blob.Bucket, key string, body io.ReadSeeker, size int64, cond Condition) error {
	in := &s3.PutObjectInput{
		Bucket: aws.String(s.bucket), Key: aws.String(key),
		Body: body, ContentLength: aws.Int64(size), ContentType: aws.String(s3ContentType),
	}
	match := cond.IfVersion
	if cond.IfAbsent {
		match = "0" // the generation of an object that is not there
	}
	_, err := s.client.PutObject(ctx, in, func(o *s3.Options) {
		if match != "" {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("X-Goog-If-Generation-Match", match))
		}
	})
	return s3Refusal(err, cond)
}

// leaveEncodingUnsigned keeps Accept-Encoding out of the signature: Google's
// front end rewrites the header before the signature is checked.
// https://github.com/aws/aws-sdk-go-v2/issues/1816
func leaveEncodingUnsigned(stack *middleware.Stack) error {
	const header = "Accept-Encoding"
	type key struct{}
	hide := middleware.FinalizeMiddlewareFunc("HideAcceptEncoding", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			ctx = middleware.WithStackValue(ctx, key{}, req.Header.Get(header))
			req.Header.Del(header)
		}
		return next.HandleFinalize(ctx, in)
	})
	show := middleware.FinalizeMiddlewareFunc("ShowAcceptEncoding", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			if v, _ := middleware.GetStackValue(ctx, key{}).(string); v != "" {
				req.Header[http.CanonicalHeaderKey(header)] = []string{v}
			}
		}
		return next.HandleFinalize(ctx, in)
	})
	if err := stack.Finalize.Insert(hide, "Signing", middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(show, "Signing", middleware.After)
}
